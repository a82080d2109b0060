"""The people: bodies, clothes, gait, and the surfaces they are made of."""
