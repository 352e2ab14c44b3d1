"""Pure: claims to histories, histories to revisions."""
