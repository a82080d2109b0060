"""The room: its walls and things, the camera in it, and how both are drawn."""
