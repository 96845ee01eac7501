"""What people look at: colours, drawings, pages, the terminal."""
