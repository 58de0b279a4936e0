"""What a user will do within some days: return, stay away, buy."""
