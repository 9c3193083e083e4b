"""How a game between networks is played, and the parts that only games use."""
