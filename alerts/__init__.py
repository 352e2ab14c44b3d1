"""Who is told what, and how it reaches them. Imports storage, never monitor."""
