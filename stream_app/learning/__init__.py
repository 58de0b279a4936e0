"""Between the core and the models: ports, labelled examples, the moments that they are taken at."""
