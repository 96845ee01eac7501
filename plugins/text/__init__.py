"""Everything about text: conversations, their tokens, views, checks and generated answers."""
