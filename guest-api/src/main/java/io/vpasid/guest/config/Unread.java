package io.vpasid.guest.config;

/// A file or folder that a scan leaves out.
///
/// @param reason its name and what is wrong, in one line
/// @param lacksAccess whether permissions are what is missing
public record Unread(String reason, boolean lacksAccess) {}
