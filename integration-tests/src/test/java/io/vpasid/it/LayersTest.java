package io.vpasid.it;

import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.belongToAnyOf;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideOutsideOfPackages;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.core.importer.ImportOption.DoNotIncludeTests;
import com.tngtech.archunit.core.importer.Location;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.stream.Stream;

/// The shape of the house: which module may know which, and what each may use from outside.
///
/// Think before you edit this file. A rule that stands in the way says most often that a class is
/// in the wrong room; a new exception lets everybody else through as well.
@AnalyzeClasses(
    packages = "io.vpasid",
    importOptions = {DoNotIncludeTests.class, LayersTest.DoNotIncludeTesting.class})
class LayersTest {
  /// What tests share is in no layer, because it does not ship.
  static final class DoNotIncludeTesting implements ImportOption {
    @Override
    public boolean includes(Location location) {
      return !location.contains("/io/vpasid/testing/");
    }
  }

  @ArchTest
  static final ArchRule modulesDependInOneDirection =
      layeredArchitecture()
          .consideringOnlyDependenciesInAnyPackage("io.vpasid..")
          .layer("pci")
          .definedBy("io.vpasid.pci..")
          .layer("synth")
          .definedBy("io.vpasid.synth..")
          .layer("vmm")
          .definedBy("io.vpasid.vmm..")
          .layer("guest")
          .definedBy("io.vpasid.guest..")
          .whereLayer("guest")
          .mayNotBeAccessedByAnyLayer()
          .whereLayer("vmm")
          .mayOnlyBeAccessedByLayers("guest")
          .whereLayer("synth")
          .mayOnlyBeAccessedByLayers("vmm", "guest")
          .whereLayer("pci")
          .mayOnlyBeAccessedByLayers("synth", "vmm", "guest")
          .ensureAllClassesAreContainedInArchitecture();

  @ArchTest
  static final ArchRule configSpaceNeedsOnlyTheJdk =
      classes()
          .that(resideInAPackage("io.vpasid.pci.."))
          .should()
          .onlyDependOnClassesThat(
              resideInAnyPackage("io.vpasid.pci..", "java..", "org.jspecify.annotations"));

  @ArchTest
  static final ArchRule synthesisAndVmmNeedOnlyTheJdkAndJackson =
      classes()
          .that(resideInAnyPackage("io.vpasid.synth..", "io.vpasid.vmm.."))
          .should()
          .onlyDependOnClassesThat(
              resideInAnyPackage(
                  "io.vpasid..",
                  "java..",
                  "org.jspecify.annotations",
                  "tools.jackson..",
                  "com.fasterxml.jackson.annotation"));

  /// Linux is the ground: its calls and error numbers know nothing of what is built on them.
  @ArchTest
  static final ArchRule linuxIsTheGround =
      noClasses()
          .that(resideInAPackage("io.vpasid.vmm.linux.."))
          .should()
          .dependOnClassesThat(
              resideInAPackage("io.vpasid..").and(not(resideInAPackage("io.vpasid.vmm.linux.."))));

  /// Anyone may hold a [MemorySegment], which is bounded; giving it other bounds is a native
  /// matter.
  @ArchTest
  static final ArchRule nativeCallsAreMadeInOnePlace =
      noClasses()
          .that(resideOutsideOfPackages("io.vpasid.vmm.linux.."))
          .should()
          .dependOnClassesThat(
              resideInAPackage("java.lang.foreign..").and(not(belongToAnyOf(MemorySegment.class))))
          .orShould()
          .callMethod(MemorySegment.class, "reinterpret", long.class);

  /// The rooms of guest-api from the ground up: each may know those before it, none knows those
  /// behind it, so there is no circle. A new package takes its place here.
  private static final List<String> ROOMS =
      Stream.of(
              "socket",
              "vfiouser",
              "device",
              "iommu",
              "config",
              "host",
              "html",
              "report",
              "control",
              "emulator",
              "emulator.vtd",
              "daemon",
              "scenario",
              "scenario.junit",
              "cli.terminal",
              "cli.option",
              "cli.plan",
              "cli.quirks",
              "cli.run",
              "cli.serve",
              "cli.vtd",
              "cli.doctor",
              "cli",
              "cli.manual")
          .map(room -> "io.vpasid.guest." + room)
          .toList();

  @ArchTest
  static void arrowsBetweenTheRoomsPointDown(JavaClasses classes) {
    for (int i = 0; i < ROOMS.size() - 1; i++) {
      noClasses()
          .that()
          .resideInAPackage(ROOMS.get(i))
          .should()
          .dependOnClassesThat(
              resideInAnyPackage(ROOMS.subList(i + 1, ROOMS.size()).toArray(String[]::new)))
          .because("rooms know only those below them")
          .check(classes);
    }
  }

  @ArchTest
  static final ArchRule everyPackageIsARoom =
      classes()
          .that(resideInAPackage("io.vpasid.guest.."))
          .should()
          .resideInAnyPackage(ROOMS.toArray(String[]::new));

  /// The protocol serves any device, and knows no function with a vPASID.
  @ArchTest
  static final ArchRule theProtocolKnowsNoPassthroughFunction =
      noClasses()
          .that(resideInAnyPackage("io.vpasid.guest.socket", "io.vpasid.guest.vfiouser"))
          .should()
          .dependOnClassesThat(resideInAnyPackage("io.vpasid.vmm", "io.vpasid.synth.."));

  @ArchTest
  static final ArchRule packagesAreNamedAfterTheDomain =
      noClasses()
          .should()
          .resideInAnyPackage("..util..", "..utils..", "..impl..", "..manager..", "..helper..");

  @ArchTest
  static final ArchRule classesAreNamedAfterTheDomain =
      noClasses().should().haveNameMatching(".*(Util|Utils|Impl|Manager|Helper)(\\$.*)?");
}
