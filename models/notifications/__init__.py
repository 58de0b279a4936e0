"""What is learned of notifications: how probably one is opened, and how probably it drives somebody away."""
