namespace Sequent.Client.Tests.Support.Other;

/// <summary>Has the name of another type, and other data.</summary>
internal sealed record Deposited(string HowMuch)
{
    public string Amount => HowMuch;
}
