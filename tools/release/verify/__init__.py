"""Verification: a bundle's folder and a public key give a verdict, offline, with every reason there is to refuse it."""
