"""What people read, in their language: sentences of the controller and labels of the command, from gettext catalogs."""
