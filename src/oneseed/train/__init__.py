"""How the prior `tiny` was made, and how to make your own from your own pictures."""
