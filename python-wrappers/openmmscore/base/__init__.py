"""What the other rooms share: files, arguments, progress, interruption, how commands end."""
