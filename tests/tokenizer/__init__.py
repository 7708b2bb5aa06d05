"""Tokenizers against llama.cpp, on the same files and the same text."""
