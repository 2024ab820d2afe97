"""What a study's settings file may say, with the files that come with the package."""
