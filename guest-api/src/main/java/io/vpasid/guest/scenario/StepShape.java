package io.vpasid.guest.scenario;

import static io.vpasid.guest.scenario.StepKeys.*;
import static java.util.stream.Collectors.joining;

import io.vpasid.guest.scenario.Machine.Answer;
import io.vpasid.guest.scenario.Step.RandomNumber;
import io.vpasid.synth.json.Fields;
import io.vpasid.synth.json.Form;
import io.vpasid.synth.json.Key;
import io.vpasid.synth.json.Rule;
import io.vpasid.synth.json.Shape;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Stream;

/// The steps of scenario files: for each action its keys, and what makes a step of them. The rest
/// of a file stands in [ScenarioShape].
final class StepShape {
  /// Most steps in one list.
  private static final int MAX_STEPS = 10_000;

  /// The deepest that repetitions can stand in one another.
  private static final int MAX_NESTING = 3;

  /// Makes a step of what a file says.
  @FunctionalInterface
  interface Maker {
    Step make(Fields action, Making making);
  }

  /// An action of steps, and what makes a step of it.
  record Action(Key<Fields> key, Maker maker) {}

  /// The surroundings in which steps are made.
  ///
  /// @param targets what a guest migrates to
  /// @param hasIommu whether the guest has a virtual IOMMU
  /// @param nesting how many repetitions they stand in
  record Making(Function<PickedFunction, Setup> targets, boolean hasIommu, int nesting) {

    /// A step of a guest that asks for its attachments.
    ///
    /// @param instead what a guest with an IOMMU does
    Step without(Fields action, String instead, Step step) {
      action.require(
          !hasIommu,
          "%s is nothing that a guest with an IOMMU does; it has \"%s\""
              .formatted(action.subject(), instead));
      return step;
    }

    /// A step of a guest with an IOMMU.
    Step with(Fields action, Step step) {
      action.require(
          hasIommu,
          action.subject()
              + " needs \"vmm\": { \"iommu\": … }; there is \"nested\" and \"shadow\"");
      return step;
    }

    List<Step> inner(Fields action) {
      List<Fields> steps = action.get(INNER);
      action.require(!steps.isEmpty(), action.subject() + " has no \"steps\"; add them");
      action.require(
          nesting < MAX_NESTING,
          "repetitions are deeper than " + MAX_NESTING + "; make it flatter");
      return all(steps, new Making(targets, hasIommu, nesting + 1));
    }
  }

  private static final List<Action> OF_ALL =
      List.of(
          action(
              "enumerate",
              "The guest looks for capabilities, as Linux does.",
              (f, _) -> new Step.Enumerate(f.place(), f.find(PLACE), f.find(SIZE), f.find(OFFSETS)),
              PLACE,
              SIZE,
              OFFSETS),
          action(
              "enable",
              "The guest enables PASIDs, as Linux does.",
              (f, _) ->
                  new Step.Enable(
                      f.place(), f.get(ENABLED), f.find(WIDTH), f.find(EXEC), f.find(PRIV)),
              ENABLED,
              WIDTH,
              EXEC,
              PRIV),
          action("disable", "The guest disables PASIDs.", (f, _) -> new Step.Disable(f.place())),
          action(
              "read",
              "The guest reads a register.",
              (f, _) -> read(f),
              Shape.of("\"read\"", REGISTER, OFFSET, ACCESS_WIDTH, READ_VALUE, MASK)
                  .with(ONE_REGISTER)),
          action(
              "write",
              "The guest writes a register.",
              (f, _) -> new Step.Write(f.place(), register(f), f.get(WRITTEN_VALUE)),
              Shape.of("\"write\"", REGISTER, OFFSET, ACCESS_WIDTH, WRITTEN_VALUE)
                  .with(ONE_REGISTER)),
          action(
              "attach",
              "The guest asks for a PASID to be attached, or moved. The host must have what the guest"
                  + " is told.",
              (f, making) ->
                  making.without(
                      f,
                      "bind",
                      new Step.Attach(
                          f.place(),
                          f.get(ITS_PASID),
                          f.get(SPACE),
                          f.get(EXPECT),
                          f.find(REPLACES))),
              ITS_PASID,
              SPACE,
              EXPECT,
              REPLACES),
          action(
              "detach",
              "The guest asks for a PASID to be detached. The host must have what the guest is told.",
              (f, making) ->
                  making.without(
                      f,
                      "unbind",
                      new Step.Detach(f.place(), f.get(ITS_PASID), f.get(EXPECT), f.find(FROM))),
              ITS_PASID,
              EXPECT,
              FROM),
          action("reset", "The function is reset.", (f, _) -> reset(f), BY_GUEST, EXPECT),
          action(
              "unplug",
              "The function is taken away; nothing may be left attached. Every scenario ends so by"
                  + " itself.",
              (f, _) -> new Step.Unplug(f.place())),
          action(
              "fail",
              "A request to the host's kernel shall fail.",
              (f, _) -> new Step.Fail(f.place(), f.get(REQUEST), f.get(ERRNO), f.get(EVERY)),
              REQUEST,
              ERRNO,
              EVERY),
          action(
              "await",
              "Something must have happened since the last such step, or happen within 10 seconds.",
              (f, _) -> new Step.Await(f.place(), f.get(EVENT), f.find(PASID)),
              EVENT,
              PASID),
          action(
              "check",
              "What the guest was told is attached is what the host has attached, and is this.",
              (f, _) -> new Step.Check(f.place(), f.find(ATTACHED), f.find(COUNT)),
              ATTACHED,
              COUNT),
          action(
              "repeat",
              "Steps again and again, with new random numbers each time, as in \"random\": { \"p\":"
                  + " [1, 1048575] }, which steps name as \"${p}\".",
              (f, making) -> new Step.Repeat(f.place(), f.get(TIMES), random(f), making.inner(f)),
              TIMES,
              RANDOM,
              INNER),
          action(
              "scribble",
              "The guest writes random values of random widths to random offsets; nothing may be"
                  + " attached or lost by that.",
              (f, _) ->
                  new Step.Scribble(
                      f.place(), f.get(WRITES), f.get(RANGE).offset(), f.get(RANGE).end() - 1),
              WRITES,
              RANGE),
          action(
              "failEachCall",
              "The steps again and again, first with their first request to the kernel failing, then"
                  + " the second, and so on; a step that fails must say so and change nothing.",
              (f, making) ->
                  making.without(
                      f, "fail", new Step.FailEachCall(f.place(), f.get(ERRNO), making.inner(f))),
              ERRNO,
              INNER),
          action(
              "migrate",
              "Compares what the guest sees with what it would see on a target.",
              (f, making) ->
                  new Step.Migrate(f.place(), making.targets.apply(f.get(TO)), f.get(FITS)),
              TO,
              FITS));

  private static final List<Action> ACTIONS =
      Stream.concat(OF_ALL.stream(), IommuStepShape.ACTIONS.stream()).toList();

  private static final Shape STEP =
      Shape.of("a step", ACTIONS.stream().map(Action::key).toArray(Key<?>[]::new))
          .with(Rule.of(StepShape::checkStep, "{ \"minProperties\": 1, \"maxProperties\": 1 }"));

  private StepShape() {}

  /// The steps of a list.
  ///
  /// @param targets what a guest migrates to
  /// @param hasIommu whether the guest has a virtual IOMMU
  static List<Step> make(
      List<Fields> steps, Function<PickedFunction, Setup> targets, boolean hasIommu) {
    return all(steps, new Making(targets, hasIommu, 0));
  }

  private static List<Step> all(List<Fields> steps, Making making) {
    return steps.stream().map(step -> make(step, making)).toList();
  }

  private static Step make(Fields step, Making making) {
    Action action = ACTIONS.stream().filter(a -> step.has(a.key)).findFirst().orElseThrow();
    return action.maker.make(step.get(action.key), making);
  }

  static Action action(String name, String description, Maker maker, Key<?>... keys) {
    return action(name, description, maker, Shape.of('"' + name + '"', keys));
  }

  /// Messages say of an action that it is where its step is.
  static Action action(String name, String description, Maker maker, Shape shape) {
    Form<Fields> form =
        Form.of(
            (json, _) -> {
              ParameterCursor cursor = (ParameterCursor) json;
              int random = cursor.randomNumbers();
              Fields fields = shape.read(cursor, cursor.step());
              cursor.forgetRandom(random);
              return fields;
            },
            shape::describe);
    return new Action(Key.of(name, form, description), maker);
  }

  /// A list of steps, each of which may have such a list in it.
  static Form<List<Fields>> steps() {
    Form<Fields> step =
        Form.of(
            (json, _) -> {
              ((ParameterCursor) json).beginStep();
              return STEP.read(json, json.place());
            },
            schema -> STEP.describe(schema));
    return step.named("step").list(MAX_STEPS, "steps; use \"repeat\"").with("minItems", 1);
  }

  private static void checkStep(Fields step) {
    List<Key<?>> actions = List.copyOf(step.keys());
    step.require(
        !actions.isEmpty(),
        ACTIONS.stream()
            .map(action -> action.key.name())
            .collect(joining(", ", "the step does nothing; write one of ", "")));
    if (actions.size() > 1) {
      Key<?> second = actions.get(1);
      throw step.wrong(
          second,
          "a step does one thing; put %s into a step of its own: { \"…\": { } }, { %s: { } }"
              .formatted(second, second));
    }
  }

  private static Step read(Fields f) {
    Register register = register(f);
    Value value = f.get(READ_VALUE);
    if (!value.name().isEmpty()) {
      throw f.wrong(READ_VALUE, "a register has no random value; write a number");
    }
    long all = (1L << (8 * register.width())) - 1;
    return new Step.Read(f.place(), register, value.number(), f.find(MASK).orElse(all).intValue());
  }

  private static Register register(Fields f) {
    if (f.has(OFFSET)) {
      return Register.atOffset(f.get(OFFSET), f.find(ACCESS_WIDTH).orElse(4));
    }
    f.require(
        !f.has(ACCESS_WIDTH),
        "a register has its own width; leave \"width\" out or write \"offset\"");
    return f.find(REGISTER).orElseThrow();
  }

  private static Step reset(Fields f) {
    f.require(
        !f.get(BY_GUEST) || f.get(EXPECT).equals(Answer.OK),
        "a guest is not told how its reset ends; leave \"expect\" out or write \"by\": \"host\"");
    return new Step.Reset(f.place(), f.get(BY_GUEST), f.get(EXPECT));
  }

  private static List<RandomNumber> random(Fields f) {
    List<Key<?>> keys = List.copyOf(f.keys());
    if (f.has(RANDOM) && keys.indexOf(RANDOM) > keys.indexOf(INNER)) {
      throw f.wrong(RANDOM, "\"random\" must stand in front of \"steps\"");
    }
    return f.get(RANDOM);
  }
}
