"""A simulated entrance, drawn picture by picture, whose truth is known: a library, a `sim://` camera, `metrica-sim`."""

from metrica.simulator.address import SimOrder, read_sim
from metrica.simulator.place import check_address
from metrica.simulator.recording import SimulatedRecording
from metrica.simulator.scene import SeenPerson, SimScene

__all__ = ["SeenPerson", "SimOrder", "SimScene", "SimulatedRecording", "check_address", "read_sim"]
