/// JMH benchmarks; CONTRIBUTING.md names the command. Compiled with the tests, so that they cannot
/// rot, and never shipped.
@NullMarked
package io.vpasid.it.benchmark;

import org.jspecify.annotations.NullMarked;
