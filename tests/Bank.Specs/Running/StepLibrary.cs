using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Reflection;
using System.Text.RegularExpressions;

namespace Bank.Specs.Running;

/// <summary>The steps that are defined, found by how a line reads.</summary>
internal sealed class StepLibrary(params Type[] classes)
{
    private readonly Definition[] _definitions =
    [
        .. from type in classes
           from method in type.GetMethods()
           from step in method.GetCustomAttributes<StepAttribute>()
           select new Definition(Checked(method), step.Expression, StepExpression.ToRegex(step.Expression)),
    ];

    public IEnumerable<Type> Classes => classes;

    /// <summary>Finds the one definition of a step.</summary>
    /// <param name="step">The step.</param>
    /// <param name="bound">The step, ready to run.</param>
    /// <param name="problem">Why it cannot be run.</param>
    public bool TryBind(ScenarioStep step, [NotNullWhen(true)] out BoundStep? bound, [NotNullWhen(false)] out string? problem)
    {
        bound = null;
        var found = _definitions.Select(definition => (Definition: definition, Match: definition.Pattern.Match(step.Text)))
            .Where(f => f.Match.Success).ToArray();
        if (found is not [var (definition, match)])
        {
            problem = found is []
                ? Undefined(step)
                : $"The step {step} is ambiguous. It is defined by\n{string.Join('\n', found.Select(f => $"  {f.Definition}"))}";
            return false;
        }

        object[] below = (step.Table ?? (object?)step.DocString) is { } argument ? [argument] : [];
        object[] arguments = [.. match.Groups.Values.Skip(1).Select(group => group.Value), .. below];
        var parameters = definition.Method.GetParameters().Length;
        if (arguments.Length != parameters)
        {
            problem = $"The step {step} gives {arguments.Length} arguments, a table or a text below it included, "
                + $"but there are {parameters} parameters in\n  {definition}";
            return false;
        }

        bound = new BoundStep(definition.Method, arguments);
        problem = null;
        return true;
    }

    /// <summary>Nobody would wait for a step that returns anything else.</summary>
    private static MethodInfo Checked(MethodInfo method) => method.ReturnType == typeof(void) || method.ReturnType == typeof(Task)
        ? method
        : throw new ArgumentException($"{method.DeclaringType!.Name}.{method.Name} is a step and has to return nothing or a Task.");

    private static string Undefined(ScenarioStep step)
    {
        var (expression, parameters) = StepExpression.Suggest(step.Text);
        var below = step.Table is not null ? ["Table table"] : step.DocString is not null ? ["string text"] : Array.Empty<string>();
        return $$"""
            The step {{step}} is undefined. Define it, for example by
              [Step("{{expression.Replace("\"", "\\\"", StringComparison.Ordinal)}}")]
              public async Task StepAsync({{string.Join(", ", [.. parameters, .. below])}})
            """;
    }

    private sealed record Definition(MethodInfo Method, string Expression, Regex Pattern)
    {
        public override string ToString() => $"[Step(\"{Expression}\")] {Method.DeclaringType!.Name}.{Method.Name}";
    }
}

/// <summary>A step with the method that does it.</summary>
internal sealed record BoundStep(MethodInfo Method, object[] Arguments)
{
    public Task RunAsync(IServiceProvider services)
    {
        object[] converted =
        [
            .. Arguments.Zip(Method.GetParameters(), (argument, parameter) =>
                argument is string ? Convert.ChangeType(argument, parameter.ParameterType, CultureInfo.InvariantCulture) : argument),
        ];
        var step = Method.Invoke(services.GetService(Method.DeclaringType!), BindingFlags.DoNotWrapExceptions, null, converted, CultureInfo.InvariantCulture);
        return step as Task ?? Task.CompletedTask;
    }
}
