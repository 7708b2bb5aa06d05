"""The launcher `./pants` on machines that lack something."""
