"""The Kafka runtime: Faust agents fed by a bulk transport."""
