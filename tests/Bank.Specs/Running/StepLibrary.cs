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
           select new Definition(method, step.Expression, StepExpression.ToRegex(step.Expression)),
    ];

    public IEnumerable<Type> Classes => classes;

    /// <summary>Finds the one definition of a step.</summary>
    /// <param name="step">The step.</param>
    /// <param name="bound">The step, ready to run.</param>
    /// <param name="problem">Why it cannot be run.</param>
    public bool TryBind(ScenarioStep step, [NotNullWhen(true)] out BoundStep? bound, [NotNullWhen(false)] out string? problem)
    {
        bound = null;
        var found = _definitions.Select(definition => (Definition: definition, Match: definition.Pattern.Match(step.Text))).Where(f => f.Match.Success).ToArray();
        if (found is not [var (definition, match)])
        {
            problem = found is [] ? Undefined(step) : $"The step {step} is ambiguous. It is defined by\n{string.Join('\n', found.Select(f => $"  {f.Definition}"))}";
            return false;
        }

        object?[] arguments = [.. match.Groups.Values.Skip(1).Select(group => group.Value), .. new object?[] { step.Table ?? (object?)step.DocString }.Where(a => a is not null)];
        var parameters = definition.Method.GetParameters();
        if (arguments.Length != parameters.Length)
        {
            problem = $"The step {step} gives {arguments.Length} arguments, a table or a text below it included, but there are {parameters.Length} parameters in\n  {definition}";
            return false;
        }

        bound = new BoundStep(definition.Method, [.. arguments.Zip(parameters, (a, p) => a is string text ? Convert.ChangeType(text, p.ParameterType, CultureInfo.InvariantCulture) : a)]);
        problem = null;
        return true;
    }

    private static string Undefined(ScenarioStep step)
    {
        var expression = StepExpression.Suggest(step.Text);
        var name = Regex.Replace(Regex.Replace(expression, @"\{[^{}]+\}", ""), @"\W+", " ").Trim().Replace(' ', '_');
        return $$"""
            The step {{step}} is undefined. Define it, for example by
              [Step("{{expression}}")]
              public async Task {{(name.Length == 0 ? "Step" : char.ToUpperInvariant(name[0]) + name[1..])}}Async(…)
            """;
    }

    private sealed record Definition(MethodInfo Method, string Expression, Regex Pattern)
    {
        public override string ToString() => $"[Step(\"{Expression}\")] {Method.DeclaringType!.Name}.{Method.Name}";
    }
}

/// <summary>A step with the method that does it.</summary>
internal sealed record BoundStep(MethodInfo Method, object?[] Arguments)
{
    public Task RunAsync(IServiceProvider services) =>
        Method.Invoke(services.GetService(Method.DeclaringType!), BindingFlags.DoNotWrapExceptions, null, Arguments, CultureInfo.InvariantCulture) as Task ?? Task.CompletedTask;
}
