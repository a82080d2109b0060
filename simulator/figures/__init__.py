"""The people: looks, meshes, textures and movement. Imports nothing else of the simulator."""
