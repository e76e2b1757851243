package io.vpasid.guest.scenario;

import static io.vpasid.guest.scenario.ParameterCursor.flag;
import static io.vpasid.guest.scenario.ParameterCursor.known;
import static io.vpasid.guest.scenario.ParameterCursor.orName;
import static io.vpasid.guest.scenario.ParameterCursor.text;

import io.vpasid.guest.config.MachineForms;
import io.vpasid.pci.ByteRange;
import io.vpasid.pci.ConfigSpace;
import io.vpasid.synth.HardwareInfo;
import io.vpasid.synth.PasidCapability;
import io.vpasid.synth.json.Fields;
import io.vpasid.synth.json.FileShape;
import io.vpasid.synth.json.Form;
import io.vpasid.synth.json.JsonCursor;
import io.vpasid.synth.json.JsonCursor.Place;
import io.vpasid.synth.json.JsonSchema;
import io.vpasid.synth.json.Key;
import io.vpasid.synth.json.Rule;
import io.vpasid.synth.json.Shape;
import io.vpasid.vmm.frontend.nested.TranslationMode;
import io.vpasid.vmm.iommufd.simulated.IommuProfile;
import io.vpasid.vmm.iommufd.simulated.KernelVersion;
import io.vpasid.vmm.pasid.PasidLimits.WhenDisabled;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import tools.jackson.databind.node.ObjectNode;

/// The keys of scenario files, which [ScenarioReader] reads by and `docs/scenario.schema.json` is
/// made of. Those of steps stand in [StepShape]. All forms want a [ParameterCursor].
final class ScenarioShape {
  /// Most scenarios that one file's matrix can make.
  static final int MAX_COMBINATIONS = 10_000;

  /// The values of a parameter.
  private static final Form<List<String>> VALUES =
      Form.of(
              JsonCursor::scalar,
              _ ->
                  JsonSchema.node()
                      .set("type", JsonSchema.list(List.of("string", "integer", "boolean"))))
          .oneOrMore();

  // The host

  static final Key<IommuProfile> IOMMU =
      Key.of("iommu", orName(MachineForms.iommu()), "Its IOMMU.").or(IommuProfile.intel(), "intel");
  static final Key<KernelVersion> KERNEL =
      Key.of("kernel", MachineForms.kernel(text()), "Its release of Linux.")
          .or(KernelVersion.LINUX_7_3, "7.3");
  static final Key<Integer> WIDTH =
      Key.of(
              "width",
              known(0, HardwareInfo.MAX_WIDTH),
              "Bits of a PASID that IOMMU_GET_HW_INFO reports.")
          .or(HardwareInfo.MAX_WIDTH, HardwareInfo.MAX_WIDTH);
  static final Key<Boolean> EXEC =
      Key.of("exec", flag(), "Execute Permission is enabled at the device.").or(false, false);
  static final Key<Boolean> PRIV =
      Key.of("priv", flag(), "Privileged Mode is enabled at the device.").or(false, false);
  static final Key<Boolean> ATS = Key.of("ats", flag(), "ATS is supported.").or(true, true);

  // The VMM

  static final Key<List<String>> QUIRKS =
      Key.of(
              "quirks",
              text().oneOrMore(),
              "Quirk files or folders, relative to the scenario's folder, on top of the built-in"
                  + " table.")
          .or(List.of());
  static final Key<Integer> OFFSET =
      Key.of(
          "offset",
          MachineForms.capabilityOffset(
              known(ConfigSpace.STANDARD_SIZE, ConfigSpace.EXTENDED_SIZE - PasidCapability.LENGTH)),
          "Offset for the capability: there or nowhere. A multiple of 4 from 0x100 to 0xff8.");
  static final Key<List<ByteRange>> AVAILABLE =
      Key.of(
              "available",
              Form.extendedRange().oneOrMore(),
              "Ranges to try first, as in 0x180-0x24f; from 0x100 on.")
          .or(List.of());
  static final Key<Boolean> SHADOWING =
      Key.of(
              "shadowing",
              flag(),
              "Whether live registers may be covered: those at `offset`, or those that a quirk lets go.")
          .or(false, false);
  static final Key<Integer> QUOTA =
      Key.of(
              "quota",
              known(0, 1 << HardwareInfo.MAX_WIDTH),
              "How many PASIDs may be attached. Default: no limit.")
          .or(Integer.MAX_VALUE);
  static final Key<WhenDisabled> BEFORE_ENABLE =
      Key.of(
              "beforeEnable",
              orName(Form.constant(WhenDisabled.class)),
              "What becomes of requests before the guest enables PASIDs.")
          .or(WhenDisabled.REFUSE, "refuse");

  static final Key<TranslationMode.Kind> GUEST_IOMMU =
      Key.of(
          "iommu",
          orName(Form.constant(TranslationMode.Kind.class)),
          "The virtual IOMMU (VT-d) that the guest has the function behind: nested offers it the first"
              + " stage, which the host's hardware walks, shadow the second, which is copied. Without"
              + " it, the guest has none.");

  // The file

  static final Key<String> TITLE =
      Key.of("title", text(), "What it shows, in a sentence.").required("say what it shows");
  static final Key<Map<String, List<String>>> MATRIX =
      Key.of(
              "matrix",
              Form.of(ScenarioShape::matrix, ScenarioShape::matrixSchema),
              "Values by name; the scenario runs with every combination. Stands in front of what"
                  + " uses the names, as \"${name}\".")
          .or(Map.of());
  static final Key<PickedFunction> FUNCTION =
      Key.of(
              "function",
              PickedFunction.FORM,
              "A dump with one function, or which of its functions. Paths are relative to the"
                  + " scenario's folder.")
          .required("name a dump, as in \"mine.txt\"");
  static final Key<Fields> HOST =
      Key.of("host", Shape.of("\"host\"", IOMMU, KERNEL, WIDTH, EXEC, PRIV, ATS), "The host.");
  static final Key<Fields> VMM =
      Key.of(
          "vmm",
          Shape.of(
              "\"vmm\"", QUIRKS, OFFSET, AVAILABLE, SHADOWING, QUOTA, BEFORE_ENABLE, GUEST_IOMMU),
          "What the VMM decides.");
  static final Key<Integer> GUESTS =
      Key.of(
              "guests",
              Form.integer(1, 64),
              "How many guests do the steps at the same time, each with a function of its own.")
          .or(1, 1);
  static final Key<List<Fields>> STEPS =
      Key.of("steps", StepShape.steps(), "What happens, in order.")
          .required("add \"steps\": [ … ]");

  private static final FileShape FILE =
      new FileShape(
          "scenario",
          "vpasid scenario",
          "What a guest and its host do with a function, and what must come of it.",
          "write { \"format\": 1, … }",
          1,
          Shape.of("a scenario", TITLE, MATRIX, FUNCTION, HOST, VMM, GUESTS, STEPS)
              .with(Rule.of(ScenarioShape::checkOrder, "{}")));

  private ScenarioShape() {}

  /// The shape of such a file.
  static FileShape file() {
    return FILE;
  }

  /// The values of each parameter. Those that are not chosen yet become the first ones.
  private static Map<String, List<String>> matrix(JsonCursor json, String what) {
    Place start = json.place();
    Map<String, List<String>> matrix = new LinkedHashMap<>();
    json.map(
        what,
        name -> {
          if (!ParameterCursor.isName(name)) {
            throw json.wrong(
                "the name %s must start with a letter and go on with letters, digits and '-'"
                    .formatted(JsonCursor.quote(name)));
          }
          matrix.put(name, VALUES.read(json, '"' + name + '"'));
        });
    long combinations = 1;
    for (List<String> values : matrix.values()) {
      combinations *= values.size();
      json.require(
          start,
          combinations <= MAX_COMBINATIONS,
          "the matrix has more than " + MAX_COMBINATIONS + " combinations; make it smaller");
    }
    ((ParameterCursor) json).bindFirst(matrix);
    return matrix;
  }

  private static ObjectNode matrixSchema(JsonSchema schema) {
    ObjectNode node = JsonSchema.node().put("type", "object");
    node.set("propertyNames", JsonSchema.string(ParameterCursor.NAME));
    return node.set("additionalProperties", VALUES.describe(schema));
  }

  private static void checkOrder(Fields file) {
    List<Key<?>> keys = List.copyOf(file.keys());
    int matrix = keys.indexOf(MATRIX);
    if (Stream.of(FUNCTION, HOST, VMM, STEPS)
        .anyMatch(key -> keys.indexOf(key) < matrix && file.has(key))) {
      throw file.wrong(
          MATRIX, "\"matrix\" must stand in front of what uses it; put it behind \"title\"");
    }
  }
}
