/// Scenarios as tests of a Maven build, with JUnit 5.
@NullMarked
package io.vpasid.guest.scenario.junit;

import org.jspecify.annotations.NullMarked;
