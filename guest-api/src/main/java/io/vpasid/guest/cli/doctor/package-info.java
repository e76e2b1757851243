/// `doctor`: a look at what this machine lacks.
@NullMarked
package io.vpasid.guest.cli.doctor;

import org.jspecify.annotations.NullMarked;
