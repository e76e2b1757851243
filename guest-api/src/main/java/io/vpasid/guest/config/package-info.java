/// Input that users write and name: configuration files, descriptions of functions, dumps,
/// addresses of this machine; each read once, into records.
///
/// [io.vpasid.guest.config.DaemonConfig] is the configuration of the daemon,
/// [io.vpasid.guest.config.FunctionFile] reads a description of a function in JSON, and
/// [io.vpasid.guest.config.CapturedHardware] works out what a captured function has besides its
/// configuration space.
@NullMarked
package io.vpasid.guest.config;

import org.jspecify.annotations.NullMarked;
