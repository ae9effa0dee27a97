"""Windows and devices: how a whole image goes through a network that sees one window."""
