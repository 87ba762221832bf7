"""Ground floor: pure functions on float64 tensors and arrays. No file, no print, no device choice, no global state."""
