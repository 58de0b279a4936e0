"""What operators watch: metrics, health pages and the watchdog."""
