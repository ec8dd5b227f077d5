using System.Text.Json.Serialization;
using Sequent.Client;

namespace Bank.Contracts;

/// <summary>How the bank's events are written and read: generated code, no reflection.</summary>
[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(AccountCreationRequest))]
[JsonSerializable(typeof(AccountCreated))]
[JsonSerializable(typeof(PendingTransaction))]
[JsonSerializable(typeof(AcceptedTransaction))]
[JsonSerializable(typeof(RejectedTransaction))]
[JsonSerializable(typeof(ConfirmedCredit))]
[JsonSerializable(typeof(ConfirmedDebit))]
public sealed partial class BankJson : JsonSerializerContext
{
    /// <summary>Makes a client speak the bank's events.</summary>
    public static void Use(SequentOptions options)
    {
        options.Json = Default.Options;
        options.Events
            .Add<AccountCreationRequest>()
            .Add<AccountCreated>()
            .Add<PendingTransaction>()
            .Add<AcceptedTransaction>()
            .Add<RejectedTransaction>()
            .Add<ConfirmedCredit>()
            .Add<ConfirmedDebit>();
    }
}
