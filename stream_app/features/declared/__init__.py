"""Features of a company's own: one small engine that keeps whatever the definitions say."""
