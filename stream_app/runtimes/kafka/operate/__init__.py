"""Running on Kafka: connections, topics, workers, and what a client of the product does."""
