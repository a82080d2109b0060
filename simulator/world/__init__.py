"""The room and the camera, and how pictures are drawn."""
