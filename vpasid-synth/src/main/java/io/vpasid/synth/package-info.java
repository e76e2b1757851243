/// Whether, where and how a function gets a virtual PASID capability (vPASID).
@NullMarked
package io.vpasid.synth;

import org.jspecify.annotations.NullMarked;
