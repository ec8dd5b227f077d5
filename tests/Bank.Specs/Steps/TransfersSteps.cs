using Bank.Specs.Running;
using Bank.Tests;

namespace Bank.Specs.Steps;

/// <summary>Sending money.</summary>
internal sealed class TransfersSteps(World world)
{
    [Step("{customer} transfers {amount} to {customer}")]
    [Step("{customer} transfers {text} to {customer}")]
    public Task TransferAsync(string from, string amount, string to) =>
        SendAsync(world.Who(from), world.Who(from).Account, amount, world.Who(to).Account);

    [Step("{customer} transfers {amount} to {customer} under the key {text}")]
    public Task TransferAsync(string from, string amount, string to, string key) =>
        SendAsync(world.Who(from), world.Who(from).Account, amount, world.Who(to).Account, key);

    [Step("{customer} transfers {amount} to an account that does not exist")]
    public Task TransferToUnknownAsync(string from, string amount) =>
        SendAsync(world.Who(from), world.Who(from).Account, amount, AccountsSteps.UnknownAccount);

    [Step("{customer} transfers {amount} from {whose} account to her own")]
    public Task TransferFromAsync(string customer, string amount, string whose) =>
        SendAsync(world.Who(customer), world.Who(whose).Account, amount, world.Who(customer).Account);

    [Step("{customer} looks at the transfer")]
    public async Task LookAtTransferAsync(string customer) =>
        world.Answer = await world.Who(customer).AtBank.GetAsync(Part.Transactions, $"/transactions/{world.Transfers[^1]}");

    [Step("the transfer is accepted")]
    public void IsAccepted() =>
        Assert.That((world.Answer["status"], world.Answer["reason"]), Is.EqualTo(("ACCEPTED", (string?)null)), $"{world.Answer.Body}");

    [Step("the transfer is rejected because of {words}")]
    public void IsRejected(string why) =>
        Assert.That((world.Answer["status"], world.Answer["reason"]), Is.EqualTo(("REJECTED", why.Replace(' ', '_'))), $"{world.Answer.Body}");

    [Step("that is the same transfer as before")]
    public void IsSame() => Assert.That(world.Transfers[^1], Is.EqualTo(world.Transfers[^2]));

    [Step("that is another transfer than before")]
    public void IsAnother() => Assert.That(world.Transfers[^1], Is.Not.EqualTo(world.Transfers[^2]));

    /// <summary>Asks for a transfer and, if the bank takes it, waits until it is decided.</summary>
    private async Task SendAsync(Person who, long from, string amount, long to, string? key = null)
    {
        var body = new { from_account_id = from, to_account_id = to, amount };
        world.Answer = await (key is null
            ? who.AtBank.PostAsync(Part.Transactions, "/transactions", body)
            : who.AtBank.PostAsync(Part.Transactions, "/transactions", body, key));
        if (world.Answer["transaction_id"] is not { } id)
            return;
        world.Transfers.Add(id);
        world.Answer = await Eventually.ReadAsync(() => who.AtBank.GetAsync(Part.Transactions, $"/transactions/{id}"), answer => answer["status"] != "PENDING");
    }
}
