"""Output for people: colours, drawings, pages, the terminal."""
