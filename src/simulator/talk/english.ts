// What people say to support in English.

import { agent, customer, type Phrasebook, type Subject } from './phrasebook.ts';

const subjects: readonly Subject[] = [
  {
    name: 'Charged twice for one invoice',
    turns: [
      customer(
        'Hi, I was just looking at my bank statement and it seems you charged me {amount} twice this month.',
        'Hello, there are two payments of {amount} to you on my card and I only ever placed one order.',
      ),
      agent(
        'I am sorry about that, {customer}. I can look into it right away. Do you have the invoice number at hand?',
        'That should not happen, and I understand it is worrying. Could you give me the number on the invoice?',
      ),
      customer('Yes, it says {order}.', 'Let me see... {order}, dated the {day}.'),
      agent('Thank you. I can see {order}, and there are indeed two captures of {amount}, eleven minutes apart.'),
      customer('So it is not just me. What happens now?', 'Okay. When do I get the second one back?'),
      agent(
        'I have reversed the second one. Your bank usually shows it within three to five working days.',
        'The duplicate is cancelled as of now. Depending on your bank it takes up to five working days to show.',
      ),
      customer('Will I get something in writing? My accountant is going to ask.'),
      agent('Of course. A credit note for {amount} is on its way to {email}.'),
    ],
  },
  {
    name: 'Parcel has not arrived',
    turns: [
      customer(
        'My parcel was supposed to be here on {day} and the tracking has not moved since.',
        'I am still waiting for order {order}. The tracking page says "in transit" for days now.',
      ),
      agent('I am sorry for the wait. Is it order {order}, to the address in {city}?'),
      customer('That is the one, yes.', 'Yes, {city}, correct. Ring at the second door.'),
      agent(
        'The carrier scanned it at the depot in {city} this morning, so it is not lost. It missed the van on {day}.',
        'It has been sorted into the wrong depot. I have raised it with the carrier as ticket {ticket}.',
      ),
      customer('I took a day off for this. Is there any chance it comes today?'),
      agent('Not today, I am afraid. I can book a two-hour window tomorrow, at no charge, or have it left at a shop.'),
      customer('Tomorrow between eight and ten would work.', 'The shop next to the station would be better, please.'),
      agent(
        'Done. You will have a message as soon as it is on the van. The {product} is insured until it is in your hands.',
      ),
      customer('Alright. And if it does not come again?'),
      agent('Then answer to that message and we send another {product} by courier, without further questions.'),
    ],
  },
  {
    name: 'Password reset mail does not come',
    turns: [
      customer(
        'I cannot get into my account. I asked for a reset link four times and nothing arrives.',
        'Your reset mail never shows up, not even in the spam folder.',
      ),
      agent('Let us sort that out. Which address do you sign in with?'),
      customer('{email}'),
      agent(
        'Thank you. I see four requests from today. All were accepted by your mail provider, so they may be held back there.',
      ),
      customer(
        'Can you not just set a new password for me?',
        'I need in today, there is a deadline. What else can we do?',
      ),
      agent('I cannot set it for you, but I can send a code to the phone number that ends in {digits}. Shall I?'),
      customer('Yes please, that is my number.'),
      agent('It is on its way. It is good for ten minutes.'),
      customer('Got it: it let me choose a new password. I am in!', 'That worked, thank you so much.'),
      agent('Great. I would also turn on two-step sign-in under Settings, then you never depend on that mail again.'),
    ],
  },
  {
    name: 'Moving an appointment',
    turns: [
      customer(
        'Hello, I have an appointment on {day} at {time} and I have to move it.',
        'Hi, something came up at work. Could we find another time for my visit on {day}?',
      ),
      agent('No problem at all. May I have your name and date of birth, please?'),
      customer('{customer}, the {day} of May.', '{customer}. You should find me under {email} as well.'),
      agent('Found you. I could offer {time} on the {day}, or the first slot the week after, at a quarter past eight.'),
      customer('The first one would be fine.', 'Rather the week after, I am travelling until then.'),
      agent('It is booked. Please bring the form we sent you, and arrive ten minutes early.'),
      customer('I do not have that form any more. Can you send it again?'),
      agent('It is in your inbox at {email} again. You can fill it in on your phone.'),
    ],
  },
  {
    name: 'Refund for a faulty product',
    turns: [
      customer(
        'The {product} I bought stopped working after two weeks. I would like my money back.',
        'I want to return a {product}. It will not switch on any more.',
      ),
      agent('I am sorry to hear that. Have you tried holding the power button for twenty seconds?'),
      customer('Yes, three times. Nothing.', 'I did, and a different cable too. It stays dark.'),
      agent('Then it is a case for us. I can offer a replacement by {day}, or the full {amount} back.'),
      customer('The money, please. I do not trust it any more.', 'A new one would be fine, if it comes before {day}.'),
      agent('Understood. The return label is on its way to {email}; drop the parcel off anywhere in {city}.'),
      customer('Do I need the original box?'),
      agent('No, any box will do. As soon as the carrier has scanned it the {amount} are released.'),
      customer('And how long does that take?'),
      agent('Two working days, mostly less. Your case number is {ticket}, should you need us again.'),
    ],
  },
  {
    name: 'Internet outage',
    turns: [
      customer(
        'Our internet has been down since {time}. The whole office is standing around.',
        'Is there an outage in {city}? Neither the phone nor the internet works here.',
      ),
      agent('I am checking your line. Which lights are on, on the front of the router?'),
      customer('Power is green, the one that says DSL is blinking red.', 'Only the first one. The others are off.'),
      agent('Thank you. There is a fault at the exchange in {city}; our engineers have been on it since {time}.'),
      customer('When will it be back? We have a video call with a client this afternoon.'),
      agent(
        'They expect to be done within two hours. I can put {digits} GB of mobile data on your account meanwhile, free of charge.',
      ),
      customer('That would help, yes.', 'Please do. How do I switch it on?'),
      agent('Done. Turn on the hotspot of your phone; it works at once. I will call you when the line is back.'),
      customer(
        'It is back! The light is green now.',
        'Still nothing, but the hotspot works. I will wait for the call.',
      ),
      agent('Good. I have noted it as {ticket} and credited {amount} for the downtime.'),
    ],
  },
];

export const english: Phrasebook = {
  subjects,
  greetings: {
    call: {
      named: [
        'Thank you for contacting us, my name is {agent}. How can I help you today?',
        'Hello and welcome! You are talking to {agent}. What can I do for you?',
      ],
      plain: ['Thank you for calling. How can I help you today?'],
    },
    message: {
      named: [
        'Hello, thank you for writing to us. My name is {agent}, and I am looking into it.',
        'Hello and welcome! This is {agent}. Let me see what I can do for you.',
      ],
      plain: ['Hello, thank you for your message. I am looking into it.'],
    },
  },
  asides: {
    any: [
      [
        customer('Is this going to take long? I am on my way out.'),
        agent('Two or three minutes at most. I will be as quick as I can.'),
      ],
      [
        agent('May I ask how you heard about us?'),
        customer('From a friend, she is very happy with you.', 'I saw it online.'),
      ],
      [
        agent('One moment please, the system is a little slow today.'),
        customer('Sure, take your time.', 'No worries.'),
      ],
      [
        customer('By the way, is {email} still the address you have for me?'),
        agent('Yes, {email}. I can change it, if you like.'),
      ],
    ],
    call: [
      [
        customer('Sorry, could you say that again? The line is bad.'),
        agent('Of course: I am still here, and I have your case {ticket} open.'),
      ],
      [
        agent('May I put you on hold for a minute while I ask a colleague?'),
        customer('Okay.', 'If it is only a minute, yes.'),
      ],
    ],
  },
  handover: [
    customer('I would rather speak to a person, please.', 'Can you put me through to somebody?'),
    agent('Hello {customer}, this is {colleague}. I have read what you wrote so far, so you need not say it again.'),
  ],
  transfer: [
    agent('That is for another team, {customer}. I am putting you through to {colleague}, who can finish it.'),
    agent('Hello {customer}, {colleague} here. I have taken over from {agent} and have your case {ticket} open.'),
  ],
  waiting: [
    'Hello? Is anybody there?',
    'I have been waiting for a while now. Could somebody get back to me, please?',
    'It is urgent. You can also reach me under {email}.',
  ],
  farewells: {
    positive: ['Great, thank you for your help, {helper}.', 'Thanks, that is all I needed. Perfect.'],
    neutral: ['Alright then, let us see whether it works out.', 'Okay. Then I will wait for your message.'],
    negative: ['Honestly, that is not what I had hoped for.', 'I am still not happy with this. It took far too long.'],
  },
  goodbyes: {
    plain: ['You are welcome, {customer}. Have a good day!', 'Thank you for your time. Goodbye!'],
    offering: ['Is there anything else I can do for you, {customer}? If not, take care!'],
  },
  givenNames:
    'Amara,Ben,Chiara,Dana,Elif,Farid,Grace,Hugo,Ines,Jonas,Kaito,Lena,Mateo,Nora,Omar,Priya,Quinn,Rosa,Sam,Tomás,Uma,Viktor,Wanda,Yuki,Zoë,伟,Ольга'.split(
      ',',
    ),
  familyNames:
    'Okafor,Schulz,Rossi,Levi,Yilmaz,Haddad,Kim,Martin,Costa,Berg,Mori,Novak,Silva,Olsen,Aziz,Nair,Walsh,Díaz,Carter,Vega,Patel,Horvat,Zielińska,Tanaka,Laurent,李,Петрова'.split(
      ',',
    ),
  cities: 'Lyon,Leeds,Graz,Porto,Austin,Ghent,Malmö,Osaka,Valencia,Denver'.split(','),
  products: 'coffee machine,desk lamp,headset,smart lock,robot vacuum,e-bike charger,baby monitor,router'.split(','),
  dayOf: (number) => `${number}${({ 1: 'st', 2: 'nd', 3: 'rd', 21: 'st', 22: 'nd', 23: 'rd' })[number] ?? 'th'}`,
};
