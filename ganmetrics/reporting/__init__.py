"""What people look at: pictures and pages made from images and results."""
