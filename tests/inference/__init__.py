"""What the model says, against llama.cpp and against float64 numpy on the same files and the same text."""
