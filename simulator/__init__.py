"""A simulated shop entrance: it draws pictures of people and knows the ground truth about them.

Used as a library (`Scene`), as a camera (a `sim://` address) and as a command (`metrica-sim`).
"""

from metrica.simulator.address import SceneSettings, read_sim_address
from metrica.simulator.place import check_address
from metrica.simulator.recording import SimulatedRecording
from metrica.simulator.scene import Scene, SeenPerson

__all__ = ["Scene", "SceneSettings", "SeenPerson", "SimulatedRecording", "check_address", "read_sim_address"]
