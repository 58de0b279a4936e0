"""A data folder as commands and the API use it: opened to be filled, or asked something."""
