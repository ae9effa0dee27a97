"""Windows, devices and memory: how a whole image goes through a network that sees one window."""
