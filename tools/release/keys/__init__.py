"""Who signs a release, and how others know: Ed25519 keys, minisign signatures, DSSE envelopes, rotation, revocation."""
