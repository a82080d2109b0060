"""Files: written whole or not at all, of any name; pictures and videos (those two modules load OpenCV)."""
