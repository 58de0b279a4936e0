"""Models on Kafka: trained by one process, published as signed snapshots, loaded by every worker."""
