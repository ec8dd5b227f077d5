using System.Text.RegularExpressions;
using Bank.Contracts;
using Bank.Web.Api;

namespace Bank.Web.Live;

/// <summary>What the bank's answers mean, in a customer's words.</summary>
public static partial class Words
{
    public const string AmountRule = "Enter an amount from 0.01 to 1000000000.00, such as 12.50.";

    /// <summary>With a space between thousands.</summary>
    public static string Of(Money amount)
    {
        var text = amount.ToString();
        var (sign, digits) = text[0] == '-' ? ("\u2212", text[1..]) : ("", text);
        return sign + Thousands().Replace(digits, "\u202f");
    }

    /// <summary>With its sign, for what went in or out.</summary>
    public static string WithSign(Money amount) => amount > Money.Zero ? $"+{Of(amount)}" : Of(amount);

    public static string OfReason(string? reason) => reason switch
    {
        Reasons.InsufficientFunds => "There was not enough money on the account.",
        Reasons.UnknownAccount => "There is no such account.",
        Reasons.AccountLimit => "The account cannot hold that much.",
        null or "" => "The bank gave no reason.",
        _ => $"The bank's reason: {reason}.",
    };

    public static string OfAway(Part part) => part switch
    {
        Part.Users => "The bank cannot check who you are at the moment.",
        Part.Accounts => "Balances and statements cannot be read at the moment. Transfers that were sent are carried out as soon as possible.",
        _ => "Transfers cannot be made at the moment.",
    };

    /// <summary>Why a change was not made.</summary>
    public static string OfFailure(BankException failure, bool mayHaveHappened) => failure switch
    {
        { IsAway: true } when mayHaveHappened => "The bank did not answer in time, so it may be done or not. Press the button again: it is never done twice.",
        { IsAway: true } => "The bank cannot be reached. Nothing was changed; please try again.",
        { IsSignedOut: true } => "Your session has ended. Please log in again.",
        { Reason: { } reason } => $"{OfReason(reason)} Nothing was changed.",
        _ => failure.Errors.Values.FirstOrDefault()?.FirstOrDefault() ?? failure.Message,
    };

    /// <summary>Reads what people type for an amount: 12, 12.5, 12.50, 12,50. Null if it is none that could be paid.</summary>
    public static Money? AmountOf(string? typed)
    {
        if (Typed().Match(typed ?? "") is not { Success: true } match)
            return null;
        return Money.TryParsePayable($"{match.Groups[1].Value}.{match.Groups[2].Value.PadRight(2, '0')}", out var amount) ? amount : null;
    }

    [GeneratedRegex(@"^\s*([0-9]{1,10})(?:[.,]([0-9]{1,2}))?\s*\z")]
    private static partial Regex Typed();

    [GeneratedRegex(@"(?<=[0-9])(?=(?:[0-9]{3})+\.)")]
    private static partial Regex Thousands();
}
