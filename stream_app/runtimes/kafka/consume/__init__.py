"""From the broker to the core and back: transport, processor, producer."""
