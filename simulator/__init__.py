"""A simulated entrance, drawn picture by picture, whose truth is known: a library, a `sim://` camera, `metrica-sim`."""

from metrica.simulator.address import SceneSettings, read_sim_address
from metrica.simulator.place import check_address
from metrica.simulator.recording import SimulatedRecording
from metrica.simulator.scene import Scene, SeenPerson

__all__ = ["Scene", "SceneSettings", "SeenPerson", "SimulatedRecording", "check_address", "read_sim_address"]
