namespace Bank.Specs.Running;

/// <summary>
/// The method is what lines of scenarios that read like this do. A table or a text below the line is its last argument.
/// </summary>
/// <param name="expression">
/// The line without its keyword. What varies stands in braces: <c>{int}</c>, <c>{text}</c> in quotation marks, <c>{amount}</c>, and the others of
/// <see cref="StepExpression"/>.
/// </param>
[AttributeUsage(AttributeTargets.Method, AllowMultiple = true)]
public sealed class StepAttribute(string expression) : Attribute
{
    public string Expression => expression;
}
