package io.vpasid.guest.cli;

/// A file or folder that a scan leaves out.
///
/// @param reason its name and what is wrong, in one line
/// @param lacksAccess whether permissions are what is missing
record Unread(String reason, boolean lacksAccess) {}
